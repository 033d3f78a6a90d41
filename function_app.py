"""The Azure Functions app: every trigger decodes, calls one service verb, and encodes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import azure.functions as func

if TYPE_CHECKING:
    from hosts.host import Host

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
READER = func.AuthLevel.ANONYMOUS
_given: list[Host] = []


def use(host: Host) -> None:
    """Use an open host instead of opening one, for the local server and the replay."""
    _given[:] = [host]


def host() -> Host:
    """Return the host on its newest document; opened on first use, so that this import is light."""
    if not _given:
        from hosts import begin_host

        use(begin_host(os.environ))
    _given[0].follow()
    return _given[0]


@app.event_grid_trigger(arg_name="event")
def ingest(event: str) -> None:
    """Ingest one event; as text, because the SDK's types raise on a malformed one."""
    from hosts import messages

    messages.ingest(host().service, event)


@app.queue_trigger("message", "events", "AzureWebJobsStorage")
def ingest_queued(message: func.QueueMessage) -> None:
    """Ingest the events that Event Grid put into the queue, where the app has no public address."""
    from hosts import messages

    messages.ingest_message(host().service, message.get_body())


@app.queue_trigger("message", "driftwarden-due", "AzureWebJobsStorage")
def work(message: func.QueueMessage) -> None:
    """Drain the partition that the message names."""
    from hosts import messages

    messages.drain(host().service, message.get_body())


@app.timer_trigger("timer", "0 * * * * *")
def tick(timer: func.TimerRequest) -> None:
    """Ring for every partition that is due, and again for those whose doorbell is poison."""
    del timer
    from hosts import ticking

    ticking.tick(host())


@app.timer_trigger("timer", "0 0 * * * *")
def anchor(timer: func.TimerRequest) -> None:
    """Keep and publish the anchors of all journals once an hour."""
    del timer
    host().service.anchor()


@app.timer_trigger("timer", "0 20 * * * *")
def reconcile(timer: func.TimerRequest) -> None:
    """Look once an hour for alerts of Azure Monitor that its webhook did not deliver."""
    del timer
    host().service.reconcile()


@app.timer_trigger("timer", "0 30 3 * * *")
def digest(timer: func.TimerRequest) -> None:
    """Delete expired rows once a day, and ring for every partition."""
    del timer
    host().service.sweep()


@app.route("/", methods=["GET"], auth_level=READER)
def fleet_page(req: func.HttpRequest) -> func.HttpResponse:
    """Show the fleet."""
    del req
    from dashboards import pages
    from hosts import face

    return face.as_html(lambda: pages.fleet(host().service))


@app.route("models/{model}", methods=["GET"], auth_level=READER)
def model_page(req: func.HttpRequest) -> func.HttpResponse:
    """Show one model, or a report of one of its windows."""
    from dashboards import pages
    from hosts import face

    name, of = req.route_params["model"], req.params.get("report")
    return face.as_html(lambda: pages.model(host().service, name, of), report=bool(of))


@app.route("api/{view}", methods=["GET"], auth_level=READER)
def api(req: func.HttpRequest) -> func.HttpResponse:
    """List models or alerts as JSON."""
    from hosts import face

    return face.as_json(lambda: host().service.read(req.route_params["view"]))


@app.route("api/{view}/{name}", methods=["GET"], auth_level=READER)
def api_of(req: func.HttpRequest) -> func.HttpResponse:
    """One model, or one partition's journal since an instant, as JSON."""
    from hosts import face

    view, name = req.route_params["view"], req.route_params["name"]
    return face.as_json(lambda: host().service.read(view, name, req.params.get("since")))


@app.route("healthz", methods=["GET"], auth_level=READER)
def healthz(req: func.HttpRequest) -> func.HttpResponse:
    """Tell whether the store answers and every partition steps: 503 where one is halted."""
    del req
    from hosts import face

    return face.healthy(lambda: host().health())


@app.route("api/commands", methods=["POST"])
def commands(req: func.HttpRequest) -> func.HttpResponse:
    """Take an operator's command; needs the function key."""
    from hosts import face

    return face.command(lambda: host().service, req)


@app.route("links/{link}", methods=["GET"], auth_level=READER)
def link_page(req: func.HttpRequest) -> func.HttpResponse:
    """Show the form of a link in a page; nothing happens, because scanners follow links."""
    from dashboards import pages
    from hosts import face

    return face.form(lambda: pages.link(host().service, req.route_params["link"]))


@app.route("links/{link}", methods=["POST"], auth_level=READER)
def link_used(req: func.HttpRequest) -> func.HttpResponse:
    """Acknowledge or silence by a link in a page, which is signed and works once."""
    from dashboards import pages
    from hosts import face

    return face.link(lambda: host().service, req, pages.followed)


@app.route("api/azure-alerts", methods=["POST"])
def azure_alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Take an alert that an action group of Azure Monitor sends; needs the function key."""
    from hosts import face

    return face.azure_alert(lambda: host().service, req)


@app.route("api/events", methods=["POST", "OPTIONS"], auth_level=READER)
def events(req: func.HttpRequest) -> func.HttpResponse:
    """Take deliveries of Event Grid that carry a token of Microsoft Entra ID."""
    from hosts.azure.eventgrid import webhook

    return webhook.answer(lambda: host().service, req, os.environ)
