"""Where the parts of the web application are put together."""

from multiprocessing.util import Finalize

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.queue import Submit, make_celery, redis_client, submitter
from shared.reading import Read, Reader
from shared.settings import Settings
from shared.store import Store, open_store
from web import batch, corrections, docs, errors, events, health, history, metrics, page, predictions, seed, status
from web.admission import Admission
from web.backlog import Backlog
from web.intake import Intake
from web.parts import Parts
from web.shares import Shares
from web.waiting import Waiting

SUBJECTS = (page, predictions, batch, events, history, corrections, seed, status, health, metrics, errors, docs)


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    submit: Submit | None = None,
    read: Read | None = None,
) -> Flask:
    """Return the web application; tests pass parts of their own.

    Raises:
        SettingsError: when the environment holds a wrong setting.
    """
    settings = settings or Settings.from_env()
    if store is None:
        store = open_store(settings)
        Finalize(None, store.close, exitpriority=0)  # last: SQLite then needs no more than its one file
    submit = submit or submitter(make_celery(settings))
    read = read or Reader().read
    redis = redis_client(settings)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit
    waiting = Waiting(store, redis, limit=settings.waiting_limit)
    backlog = Backlog(store, lambda: waiting.finished)
    admission = Admission(backlog, Shares(settings.client_limit), backlog_limit=settings.backlog_limit)
    intake = Intake(store, submit)
    # What is accepted and not yet submitted need not wait for the sweeper. Granian's processes are multiprocessing's,
    # which pass over atexit.
    Finalize(None, intake.close, exitpriority=1)
    Finalize(None, backlog.close, exitpriority=1)
    Parts(settings, store, redis, read, intake, waiting, backlog, admission).install(app)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)
    for subject in SUBJECTS:
        app.register_blueprint(subject.routes)
    page.protect(app)  # what is registered first comes last, and adds its headers to problems, too
    errors.register(app)
    return app
