"""Tell somebody that a verdict was reached or a machine failed, by apprise, to wherever the user's URL points.

Off unless the variable MVE_NOTIFY, or `url` under `[notices]` in the workspace's mve.toml, holds a URL of apprise
(`mailto://...`, `slack://...`, `json://...`; several are set apart by commas). A notice is a courtesy: it is sent in a
thread of its own, and one that cannot be delivered is a line in the log, without the URL, which holds secrets.
"""

import logging
import os
import re
import threading

from proposals.judging.outcomes import Judgement
from proposals.workspace import Workspace
from tasks.settings import FILE, SettingsError, settings_of

SETTING = "MVE_NOTIFY"
log = logging.getLogger("mve.notices")


def notify_verdict(place: Workspace, stem: str, judgement: Judgement) -> threading.Thread | None:
    return notify(place, f"{stem}: {judgement.verdict}", "\n".join(judgement.reasons))


def notify_fault(place: Workspace, stem: str, run: str, state: str, reason: str) -> threading.Thread | None:
    return notify(place, f"{stem}: {run} {state}", f"{reason}\nThis says nothing about the idea.")


def notify(place: Workspace, title: str, body: str) -> threading.Thread | None:
    """Send it in the background; None where no URL is set. The process ends when it has been sent, or after apprise's
    own few seconds of patience. Raises nothing."""
    urls = _urls(place)
    if not urls:
        return None
    # not a daemon: a command that ends right after its verdict still delivers it
    sending = threading.Thread(target=_send, args=(urls, title, body), name="mve-notice")
    sending.start()
    return sending


def _urls(place: Workspace) -> str:
    if SETTING in os.environ:
        return os.environ[SETTING].strip()
    try:
        return str(settings_of(place).notices.get("url", "")).strip()
    except SettingsError:  # its message is for a command that can stop; the verdict or fault told here stands
        log.warning("notices are off: %s cannot be used", place.root / FILE)
        return ""


def _send(urls: str, title: str, body: str) -> None:
    # apprise's own lines, and the errors of what it calls, can hold the URL
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    kinds = ", ".join(re.findall(r"\b([a-z0-9]+)://", urls)) or "what is no URL"
    try:
        import apprise  # here, since most have no notices

        services = apprise.Apprise()
        understood = services.add(urls)
        delivered = services.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # whatever a service does, the verdict stands and the flow goes on
        log.warning("a notice could not be delivered (%s): %s", kinds, type(error).__name__)
        return
    if not understood:
        log.warning("a notice could not be delivered: %s holds a URL that apprise does not know (%s)", SETTING, kinds)
    elif not delivered:
        log.warning("a notice could not be delivered (%s)", kinds)
