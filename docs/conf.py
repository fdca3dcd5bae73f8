"""The site: `make docs` builds it with Sphinx, and a warning is an error."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from docs.pages import write_pages  # noqa: E402 - it is found by the line above

write_pages(FOLDER / "generated")

project = "tilefan"
author = "The tilefan founders"
version = release = installed_version("tilefan")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = [f"generated/{name}.md" for name in ("errors", "events", "functions")]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # an included page begins with its own heading

autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False

smartquotes = False
html_theme = "furo"
html_title = "tilefan"
html_show_copyright = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#4cc38a", "color-brand-content": "#4cc38a"},
}
