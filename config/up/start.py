"""The order of a start: claims -> broker -> tables -> inbox, web, workers, beat -> demo -> READY; then watch."""

from celery import Celery
from django.conf import settings

from config.up import CannotStart, alone, broker, claims, database, parts, ready
from config.up.broker import Broker
from config.up.child import Child
from config.up.lines import Lines
from config.up.stopping import Stop, Stopped
from config.up.supervisor import GaveUp, Supervisor

READY_WITHIN = 180.0  # seconds; a slow machine compiles the libraries at its first start
READ_ABOVE = "Its lines above say more."


def up(*, demo: bool = True, in_memory: bool = False) -> int:
    """Start everything and stay until asked to stop; the exit code. Raises CannotStart with what stands in the way."""
    if in_memory and settings.REDIS_URL:
        raise CannotStart("--in-memory and REDIS_URL exclude each other. Leave one of them away.")
    lines, stop = Lines(), Stop()
    stop.listen()
    ports = {"PORT": settings.PORT} | ({"INBOX_PORT": settings.INBOX_PORT} if settings.LOCAL_INBOX else {})
    with claims.state_folder(settings.VAR_DIR):
        claims.ports_are_free(host=settings.BIND, ports=ports)
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        chosen = broker.memory() if in_memory else broker.choose(redis_url=settings.REDIS_URL, var_dir=settings.VAR_DIR)
        lines.say(f"broker: {chosen.said}")
        start = Start(lines=lines, stop=stop, demo=demo and settings.LOCAL_INBOX)
        return start.in_one_process() if chosen.in_memory else start.together(chosen)


class Start:
    """One start, its printer and its ear for Ctrl-C. Both ways stay until asked to stop and give the exit code."""

    def __init__(self, *, lines: Lines, stop: Stop, demo: bool) -> None:
        self.lines = lines
        self.stop = stop
        self.demo = demo

    def in_one_process(self) -> int:
        def prepare() -> None:
            self.make_tables()
            self.load_demo()

        return alone.run(lines=self.lines, stop=self.stop, prepare=prepare, welcome=self.welcome)

    def together(self, chosen: Broker) -> int:
        """Every part as a process of its own, under a supervisor."""
        supervisor = Supervisor(say=self.lines.say)
        try:
            self.start_parts(supervisor, chosen)
            self.welcome()
            while True:
                supervisor.watch()
                self.stop.pause()
        except Stopped:
            return 0
        except GaveUp as hopeless:
            self.lines.say(str(hopeless))
            return 1
        finally:
            self.lines.say("stopping (Ctrl-C again: at once)")
            supervisor.stop(hurry=self.stop.in_a_hurry)
            self.lines.say("stopped")

    def start_parts(self, supervisor: Supervisor, chosen: Broker) -> None:
        patience = ready.Patience(stop=self.stop, look=supervisor.watch)
        env = parts.environment(chosen)

        def start(part: parts.Part) -> None:
            show = None if part.silent else self.lines.show
            supervisor.start(Child(part.name, part.command, env=env, show=show), floor=part.floor)

        if chosen.program:
            broker.dismiss_orphan(chosen)
            start(parts.broker(chosen, folder=settings.VAR_DIR / "broker"))
        patience.wait(lambda: broker.answers(chosen), what="the broker", within=20, cure="Look at REDIS_URL.")
        self.make_tables()
        if settings.LOCAL_INBOX:
            start(parts.inbox(settings.INBOX_DIR, port=settings.INBOX_PORT))
        for part in (parts.web(bind=settings.BIND, port=settings.PORT), *parts.workers(), parts.beat()):
            start(part)
        self.load_demo()  # while they start
        celery = Celery(broker=chosen.url, set_as_current=False)
        patience.wait(ready.web_answers, what="the web server", within=READY_WITHIN, cure=READ_ABOVE)
        patience.wait(lambda: ready.workers_answer(celery), what="the workers", within=READY_WITHIN, cure=READ_ABOVE)

    def make_tables(self) -> None:
        with self.stop.can_be_left():
            database.migrate(say=self.lines.say)

    def load_demo(self) -> None:
        if self.demo:
            with self.stop.can_be_left():
                database.load_demo()

    def welcome(self) -> None:
        page = f"http://127.0.0.1:{settings.PORT}/"
        rows = {"page": page, "admin": f"{page}admin/"}
        if settings.LOCAL_INBOX:
            rows["inbox"] = f"{page}inbox/   (SMTP on port {settings.INBOX_PORT}; nothing leaves this machine)"
        if self.demo:
            kept = database.demo_password_holds()
            password = settings.DEMO_PASSWORD if kept else "your own (manage.py changepassword editor sets another)"
            rows["admin"] += f"   name: editor   password: {password}"
        else:
            rows["admin"] += "   (manage.py createsuperuser makes an account)"
        self.lines.plain("\n" + "\n".join(f"    {name:6} {text}" for name, text in rows.items()) + "\n")
        self.lines.plain(f"READY {page}")
