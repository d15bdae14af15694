"""HTTP: the page and the interface. Never TensorFlow, never worker code."""

from flask import Flask

from shared.queue import Submit, connect, make_celery, submitter
from shared.settings import Settings
from shared.store import Store, open_store
from web import errors, events, health, history, page, predictions, status
from web.backlog import Backlog
from web.intake import Intake
from web.parts import Parts
from web.waiting import Waiting


def create_app(settings: Settings | None = None, *, store: Store | None = None, submit: Submit | None = None) -> Flask:
    """Return the web application; tests pass their own store and submit."""
    settings = settings or Settings.from_env()
    store = store or open_store(settings)
    submit = submit or submitter(make_celery(settings))
    redis = connect(settings)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit
    waiting = Waiting(store, redis, limit=settings.waiting_limit)
    backlog = Backlog(store, lambda: waiting.finished)
    Parts(settings, store, redis, Intake(store, submit), waiting, backlog).install(app)
    for subject in (page, predictions, events, history, status, health, errors):
        app.register_blueprint(subject.routes)
    errors.register(app)
    page.protect(app)
    return app
