"""A static site of what the catalog knows: an index, a page a proposal, an overview, the research log."""

from tasks.site.writing import write_site as write_site
