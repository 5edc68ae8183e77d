"""Sphinx configuration: Furo, Markdown by MyST, and reference pages made from the code and the requirements."""

import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "tests")]  # the table of requirements is read as the tests do

project = "siptls"
author = "The siptls authors"
copyright = "2026, The siptls authors"
release = metadata.version("siptls")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "generated_pages"]
exclude_patterns = ["_build", "newsfragments", "reference/generated"]
html_theme = "furo"
html_title = f"siptls {release}"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
default_role = "py:obj"  # a name in backticks is a link where there is something to link to

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are documented once, in the class

# Only names of this project can be looked up here: the inventories of others would have to be fetched. The second
# pattern is that of type variables.
nitpick_ignore_regex = [("py:.*", r"(?!siptls(_io)?\.).*"), ("py:class", r"siptls(_io)?(\.\w+)+\.[A-Z]")]

# The prompt of a console block is not copied with the command.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
