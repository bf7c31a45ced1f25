"""All settings, in groups. With no environment at all they serve a laptop: SQLite, a local broker, a local inbox.

Production is the same file with DATABASE_URL, REDIS_URL, EMAIL_URL, SITE_URL and SECRET_KEY set; `.env.example` lists
every variable with its meaning.
"""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from config import env, logs

# --- Places -----------------------------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var"))).resolve()
PORT = env.port("PORT", 8000)
BIND = env.text("BIND", "127.0.0.1")  # the address the web server listens at
INBOX_PORT = env.port("INBOX_PORT", 1025)
SITE_URL = env.address("SITE_URL", f"http://127.0.0.1:{PORT}", schemes=("http", "https"))

# --- Security ---------------------------------------------------------------------------------------------------

SECRET_KEY = env.secret("SECRET_KEY", kept_in=VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.text("SECRET_KEY_FALLBACKS").split()  # older keys whose links still count
DEBUG = env.flag("DEBUG", False)
_SITE = urlsplit(SITE_URL)
ALLOWED_HOSTS = sorted(
    {_SITE.hostname or "127.0.0.1", "127.0.0.1", "localhost", *env.text("ALLOWED_HOSTS").replace(",", " ").split()}
)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
_HTTPS = _SITE.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", False) else None
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"  # the desk shows its own previews in a sandboxed frame
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a story with all its inlines

# --- Apps -------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.simple_history",
    "config.desk.DeskConfig",  # django.contrib.admin, loaded where its pages are served
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "simple_history",
    "django_countries",
    "config",
    "curation",
    "newsletter",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "curation.pages.frame.frame",
            ],
        },
    },
]

# --- Database ---------------------------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'newsroom.sqlite3'}")
try:
    _DATABASE = dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
except (ValueError, KeyError) as error:
    raise ImproperlyConfigured(
        "DATABASE_URL must look like postgresql://USER:PASSWORD@HOST:5432/NAME or sqlite:////ABSOLUTE/FILE."
    ) from error
if _DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction that will write says so at once and waits for its turn, instead of failing half-way.
    _DATABASE["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    VAR_DIR.mkdir(parents=True, exist_ok=True)
DATABASES = {"default": _DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Broker -----------------------------------------------------------------------------------------------------

REDIS_URL = env.text(
    "REDIS_URL"
)  # empty: `manage.py up` starts one of its own (docs/decisions/0003-embedded-broker.md)

# --- Mail -------------------------------------------------------------------------------------------------------

# One way out or several, with white space between (newsletter/sending/relay.py): smtp://USER:PASSWORD@HOST:PORT, smtps://
# for TLS from the first byte, ?starttls=1 for STARTTLS; or a provider's HTTP interface.
LOCAL_INBOX = not env.text("EMAIL_URL")
INBOX_DIR = VAR_DIR / "inbox"
EMAIL_URL = env.text("EMAIL_URL", f"smtp://127.0.0.1:{INBOX_PORT}")
EMAIL_BACKEND = "newsletter.sending.mail.RelayBackend"
DKIM_DIR = Path(env.text("DKIM_DIR", str(VAR_DIR / "dkim"))).resolve()  # DKIM_DIR/<domain>/<selector>.pem
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "recap@example.org")

# --- Sending ----------------------------------------------------------------------------------------------------

SEND_WINDOW = env.number("WINDOW", 50, low=1, high=500)  # deliveries open at once in a lane; 1 is the strictest
SEND_CONNECTIONS = env.number("CONNECTIONS", 5, low=1, high=100)  # of a lane, to all its relays
LANES = env.number("LANES", 2, low=1, high=64)  # how many of them a worker runs at once
SEND_CHUNK = 1000  # leased together; to be changed only while no campaign is being sent
SEND_LEASE_SECONDS = env.number("LEASE_SECONDS", 60, low=2, high=3600)
EVIDENCE_MINUTES = env.number("EVIDENCE_MINUTES", 30, low=0, high=1440)  # a doubt waits so long for proof of arrival
JOURNAL_DIR = VAR_DIR / "journal"
TICK_SECONDS = env.number("TICK_SECONDS", 5 if LOCAL_INBOX else 30, low=1, high=300)  # nobody waits 30 s for a demo
LATE_AFTER_HOURS = 2  # a slot further past than this waits for a person

# --- Language and time ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- Files ------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True

# --- People -----------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "admin:index"
# The demo editor's, made at first start when empty. Where mail leaves the machine nobody is given one unasked.
DEMO_PASSWORD = (
    env.secret("DEMO_PASSWORD", kept_in=VAR_DIR / "demo_password", size=9) if LOCAL_INBOX else env.text("DEMO_PASSWORD")
)

# --- The desk ---------------------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Newsroom",
    "SITE_HEADER": "Newsroom",
    "SITE_SUBHEADER": "AI news desk and weekly recap",
    "SITE_URL": "/",
    "SITE_SYMBOL": "newspaper",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("site/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "COLORS": {
        "primary": {  # the blue of the public pages
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(60% .2 259.8)",
            "600": "oklch(50.5% .195 259.9)",
            "700": "oklch(46% .19 262)",
            "800": "oklch(40.5% .16 264)",
            "900": "oklch(36% .13 264.5)",
            "950": "oklch(28.2% .091 267.9)",
        }
    },
    "DASHBOARD_CALLBACK": "newsletter.admin.dashboard.callback",
    "STYLES": [lambda request: static("desk/desk.css")],
    "SCRIPTS": [lambda request: static("desk/desk.js")],
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": "Desk",
                "items": [
                    {"title": "Stories", "icon": "article", "link": reverse_lazy("admin:curation_story_changelist")},
                    {
                        "title": "Articles",
                        "icon": "description",
                        "link": reverse_lazy("admin:curation_article_changelist"),
                    },
                    {"title": "Groups", "icon": "workspaces", "link": reverse_lazy("admin:curation_group_changelist")},
                    {"title": "Sources", "icon": "rss_feed", "link": reverse_lazy("admin:curation_source_changelist")},
                    {"title": "Audiences", "icon": "hub", "link": reverse_lazy("admin:curation_audience_changelist")},
                ],
            },
            {
                "title": "Recap",
                "items": [
                    {"title": "Editions", "icon": "news", "link": reverse_lazy("admin:newsletter_edition_changelist")},
                    {
                        "title": "Campaigns",
                        "icon": "send",
                        "link": reverse_lazy("admin:newsletter_campaign_changelist"),
                    },
                    {
                        "title": "Newsletters",
                        "icon": "mark_email_read",
                        "link": reverse_lazy("admin:newsletter_newsletter_changelist"),
                    },
                    {
                        "title": "Domain paces",
                        "icon": "speed",
                        "link": reverse_lazy("admin:newsletter_domainpace_changelist"),
                    },
                ],
            },
            {
                "title": "Audience",
                "items": [
                    {
                        "title": "Subscribers",
                        "icon": "group",
                        "link": reverse_lazy("admin:newsletter_subscriber_changelist"),
                    },
                    {
                        "title": "Segments",
                        "icon": "filter_alt",
                        "link": reverse_lazy("admin:newsletter_segment_changelist"),
                    },
                    {
                        "title": "Suppressions",
                        "icon": "block",
                        "link": reverse_lazy("admin:newsletter_suppression_changelist"),
                    },
                ],
            },
            {
                "title": "People",
                "items": [{"title": "Users", "icon": "person", "link": reverse_lazy("admin:auth_user_changelist")}],
            },
        ],
    },
}
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True

# --- Logs -------------------------------------------------------------------------------------------------------

LOGGING_CONFIG = None
logs.configure(level=env.text("LOG_LEVEL", "INFO"))
