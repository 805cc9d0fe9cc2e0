"""One verb a file. Each holds plain functions, which the tests call, and the Prefect task that wraps them.

Tasks take and return ids, paths and small plain values; what they work on lies in the catalog and on disk.
"""
