"""The catalog: tables, migrations, views, and the questions asked of it.

`db.engine` opens it, `db.catalog` lists every function that reads or writes it. SQLModel is imported in this
room alone, and only by the modules in it, so that `import db` costs nothing.
"""
