"""The browser page. Importing it shuts gradio's environment switches before gradio can read them."""

import os

from platformdirs import user_cache_path

from ui.guard import shut_switches

TEMPORARY = (user_cache_path("tearsheet") / "browser").resolve()

shut_switches(os.environ, TEMPORARY)
