"""The table of everything that can be asked over HTTP, and of whom it is asked."""

from aiohttp import web

from telehealth.access import Action
from telehealth.web import pages, probes
from telehealth.web.api import (
    alarms,
    auth,
    cases,
    encounters,
    history,
    path_check,
    photos,
    readings,
    recordings,
    scheduling,
    users,
    ward,
)
from telehealth.web.device_routes import DEVICE_ROUTES
from telehealth.web.docs import docs_page, openapi_document
from telehealth.web.guard import guarded
from telehealth.web.route import Handler, Kind, Open, Route
from telehealth.web.sockets.device import device_socket
from telehealth.web.sockets.room import room_socket
from telehealth.web.sockets.vitals import vitals_socket
from telehealth.web.sockets.worklist import worklist_socket

A = Action
_V1 = "/api/v1"
_TICKETS = frozenset({A.ENTER_ROOM, A.READ_VITALS, A.READ_WORKLIST})


_AUTH = (
    Route(
        "POST",
        f"{_V1}/auth/login",
        auth.login,
        Open.PUBLIC,
        "Sign in with e-mail address and password.",
        body=auth.Login,
        answers=auth.SignedIn,
    ),
    Route(
        "POST",
        f"{_V1}/auth/refresh",
        auth.refresh,
        Open.PUBLIC,
        "Get the next pair of tokens; the refresh token can be used once.",
        body=auth.Renewal,
        answers=auth.SignedIn,
    ),
    Route(
        "POST",
        f"{_V1}/auth/logout",
        auth.logout,
        Open.PUBLIC,
        "End this sign-in and clear the cookies.",
        body=auth.Renewal,
        status=204,
    ),
    Route(
        "POST",
        f"{_V1}/invitations/open",
        auth.open_invitation,
        Open.PUBLIC,
        "Open an invitation; the first browser keeps it.",
        body=auth.LinkSecret,
        answers=auth.Opened,
    ),
    Route(
        "POST",
        f"{_V1}/demo/enter",
        auth.enter_demo,
        Open.DEMO,
        "Sign in by a link of the demonstration.",
        body=auth.LinkSecret,
        answers=auth.Opened,
    ),
    Route("GET", f"{_V1}/me", auth.me, A.READ_OWN_ACCOUNT, "Say who is asking.", answers=auth.Myself),
    Route(
        "GET",
        "/.well-known/jwks.json",
        auth.jwks,
        Open.PUBLIC,
        "The public keys that verify our tokens (RFC 7517).",
        content="application/json",
    ),
)

_USERS = (
    Route("GET", f"{_V1}/users", users.list_users, A.MANAGE_USERS, "List the users.", answers=users.Users),
    Route(
        "POST",
        f"{_V1}/users",
        users.create_user,
        A.MANAGE_USERS,
        "Create a user; the password has at least 15 characters.",
        body=users.UserToAdd,
        answers=users.UserShown,
        status=201,
    ),
    Route(
        "POST",
        f"{_V1}/users/{{user}}/disable",
        users.disable_user,
        A.MANAGE_USERS,
        "End a user's log-in, tokens and sockets.",
        status=204,
    ),
    Route(
        "GET",
        f"{_V1}/practitioners",
        users.list_practitioners,
        A.LIST_PRACTITIONERS,
        "List the practitioners one can book.",
        answers=users.Practitioners,
    ),
    Route("POST", f"{_V1}/keys/rotate", users.rotate_keys, A.ROTATE_KEYS, "Sign with a new key.", answers=users.Kid),
    Route(
        "GET",
        f"{_V1}/audit",
        users.read_audit,
        A.READ_AUDIT,
        "Read the audit trail of a node, 200 entries at a time.",
        query=users.AuditQuery,
        answers=users.AuditEntries,
    ),
)

_SCHEDULING = (
    Route(
        "GET",
        f"{_V1}/practitioners/{{user}}/availability",
        scheduling.list_availability,
        A.EDIT_AVAILABILITY,
        "List what a practitioner has published.",
        answers=scheduling.AvailabilityList,
    ),
    Route(
        "POST",
        f"{_V1}/practitioners/{{user}}/availability",
        scheduling.publish_availability,
        A.EDIT_AVAILABILITY,
        "Publish a weekly stretch in which a practitioner sees patients.",
        body=scheduling.AvailabilityToAdd,
        answers=scheduling.AvailabilityShown,
        status=201,
    ),
    Route(
        "DELETE",
        f"{_V1}/practitioners/{{user}}/availability/{{availability}}",
        scheduling.withdraw_availability,
        A.EDIT_AVAILABILITY,
        "Withdraw a weekly stretch; what is booked stays booked.",
        status=204,
    ),
    Route(
        "GET",
        f"{_V1}/slots",
        scheduling.list_slots,
        A.READ_SLOTS,
        "List free times within at most 35 days.",
        query=scheduling.SlotQuery,
        answers=scheduling.Slots,
    ),
    Route(
        "POST",
        f"{_V1}/appointments",
        scheduling.book,
        A.BOOK_APPOINTMENT,
        "Book a free time; 409 `slot_taken` if somebody was faster.",
        body=scheduling.Booking,
        answers=scheduling.AppointmentShown,
        status=201,
    ),
    Route(
        "GET",
        f"{_V1}/appointments",
        scheduling.list_appointments,
        A.LIST_APPOINTMENTS,
        "List one's own appointments, soonest first.",
        answers=scheduling.Appointments,
    ),
    Route(
        "GET",
        f"{_V1}/appointments/{{appointment}}",
        scheduling.read_appointment,
        A.READ_APPOINTMENT,
        "Read an appointment.",
        answers=scheduling.AppointmentShown,
    ),
    Route(
        "POST",
        f"{_V1}/appointments/{{appointment}}/move",
        scheduling.move_appointment,
        A.CHANGE_APPOINTMENT,
        "Move an appointment to another free time.",
        body=scheduling.NewTime,
        answers=scheduling.AppointmentShown,
    ),
    Route(
        "POST",
        f"{_V1}/appointments/{{appointment}}/cancel",
        scheduling.cancel_appointment,
        A.CHANGE_APPOINTMENT,
        "Cancel an appointment.",
        answers=scheduling.AppointmentShown,
    ),
    Route(
        "GET",
        f"{_V1}/appointments/{{appointment}}/calendar",
        scheduling.appointment_as_calendar,
        A.READ_APPOINTMENT,
        "The appointment as a calendar file (RFC 5545).",
        content="text/calendar",
    ),
)

_ENCOUNTERS = (
    Route(
        "POST",
        f"{_V1}/queue",
        encounters.ask_to_be_seen,
        A.ASK_TO_BE_SEEN,
        "Ask to be seen now.",
        body=encounters.Reason,
        answers=encounters.EncounterShown,
        status=201,
    ),
    Route(
        "GET",
        f"{_V1}/ward",
        ward.read_ward,
        A.READ_WORKLIST,
        "List one's own encounters in which devices measure now, at most twelve.",
        answers=ward.Ward,
    ),
    Route(
        "POST",
        f"{_V1}/queue/{{encounter}}/take",
        encounters.take_from_queue,
        A.TAKE_FROM_QUEUE,
        "Take a waiting patient; 409 `already_accepted` if a colleague was faster.",
        answers=encounters.EncounterShown,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}",
        encounters.read_encounter,
        A.READ_ENCOUNTER,
        "Read an encounter.",
        answers=encounters.EncounterShown,
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/invitations",
        encounters.invite,
        A.INVITE,
        "Make a link that lets somebody ask to join.",
        body=encounters.Guest,
        answers=encounters.InvitationUrl,
        status=201,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/timeline",
        encounters.read_timeline,
        A.READ_TIMELINE,
        "Read what happened in an encounter.",
        query=encounters.After,
        answers=encounters.Timeline,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/vitals",
        history.read_vitals,
        A.READ_VITALS,
        "Read what devices measured in an interval, at most 2,000 frames at a time.",
        query=history.IntervalQuery,
        answers=history.Interval,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/trends",
        history.read_trends,
        A.READ_VITALS,
        "Read the least, the most and the middle value of each parameter for each minute or ten minutes.",
        query=history.TrendQuery,
        answers=history.Trends,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/strip",
        history.read_strip,
        A.READ_VITALS,
        "Draw some seconds of waveforms on a millimetre grid.",
        query=history.StripQuery,
        content="image/svg+xml",
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/readings",
        readings.add_readings,
        A.ADD_READING,
        "Add readings of a sensor in the browser, or typed ones; each key is recorded once.",
        body=readings.Readings,
        answers=readings.ReadingResults,
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/photos",
        photos.add_photo,
        A.ADD_READING,
        "Add a photo of a display (JPEG or PNG, at most 4 MiB); each key is stored once.",
        query=photos.PhotoKey,
        answers=photos.PhotoShown,
        status=201,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/photos",
        photos.list_photos,
        A.READ_VITALS,
        "List the photos of an encounter.",
        answers=photos.Photos,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/photos/{{document}}",
        photos.read_photo,
        A.READ_VITALS,
        "Read a photo.",
        content="image/jpeg",
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/recordings",
        recordings.list_recordings,
        A.READ_RECORDING,
        "List the recordings of an encounter.",
        answers=recordings.RecordingsShown,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/recordings/{{recording}}",
        recordings.read_recording,
        A.READ_RECORDING,
        "Read a recording.",
        content="video/webm",
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/media-trial",
        path_check.try_path,
        A.ENTER_ROOM,
        "Open a transport that carries nothing, to see which way a browser reaches the media port.",
        answers=path_check.TrialShown,
    ),
    Route(
        "POST",
        f"{_V1}/tickets",
        encounters.issue_ticket,
        _TICKETS,
        "Get a ticket for a socket, good for 60 s.",
        body=encounters.TicketWanted,
        answers=encounters.TicketShown,
    ),
)

_ALARMS = (
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/alarms",
        alarms.list_alarms,
        A.READ_VITALS,
        "List the alarms, and how many there were of late.",
        answers=alarms.AlarmList,
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/alarms/{{alarm}}/acknowledge",
        alarms.acknowledge_alarm,
        A.MANAGE_ALARMS,
        "Say that one has seen an alarm; nothing changes at the bedside.",
        answers=alarms.AlarmAnswer,
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/alarms/{{alarm}}/snooze",
        alarms.snooze_alarm,
        A.MANAGE_ALARMS,
        "Turn the sound of an alarm off for a time, here.",
        body=alarms.Pause,
        answers=alarms.AlarmAnswer,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/signals",
        alarms.read_signals,
        frozenset({A.READ_VITALS, A.TURN_OFF_ALARMS}),
        "Read whether the alarms of this patient are paused or off, and who has set it so.",
        answers=alarms.SignalsAnswer,
    ),
    Route(
        "PUT",
        f"{_V1}/encounters/{{encounter}}/signals",
        alarms.set_signals,
        frozenset({A.MANAGE_ALARMS, A.TURN_OFF_ALARMS}),
        "Pause the alarms of this patient here, turn them off or on; nothing changes at the bedside.",
        body=alarms.SignalsToSet,
        answers=alarms.SignalsAnswer,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/limits",
        alarms.read_limits,
        A.READ_VITALS,
        "Read the limits in force, and who set them.",
        content="application/json",
    ),
    Route(
        "PUT",
        f"{_V1}/encounters/{{encounter}}/limits",
        alarms.set_limits,
        A.MANAGE_ALARMS,
        "Set limits for this patient.",
        body=alarms.LimitsToSet,
        content="application/json",
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/limits/proposal",
        alarms.propose_limits,
        A.MANAGE_ALARMS,
        "Propose limits around what is measured now; nothing is set.",
        answers=alarms.Proposal,
    ),
    Route(
        "PUT",
        f"{_V1}/encounters/{{encounter}}/entries",
        alarms.make_entries,
        A.MANAGE_ALARMS,
        "Enter what no device tells: consciousness, oxygen, temperature, SpO2 scale.",
        body=alarms.EntriesToMake,
        status=204,
    ),
    Route(
        "PUT",
        f"{_V1}/encounters/{{encounter}}/rhythm",
        alarms.follow_rhythm,
        A.MANAGE_ALARMS,
        "Look for beats in the ECG, or no more: support, no diagnosis.",
        body=alarms.RhythmWanted,
        status=204,
    ),
    Route(
        "GET",
        f"{_V1}/encounters/{{encounter}}/scores",
        alarms.list_scores,
        A.READ_VITALS,
        "List the issued scores with their inputs.",
        answers=alarms.ScoreList,
    ),
    Route(
        "POST",
        f"{_V1}/encounters/{{encounter}}/scores/now",
        alarms.score_now,
        A.MANAGE_ALARMS,
        "Issue every score of this moment.",
        answers=alarms.ScoreList,
    ),
)

_CASES = (
    Route(
        "POST",
        f"{_V1}/cases",
        cases.open_case,
        A.OPEN_CASE,
        "Open an ambulance case; a repeat with the same id changes nothing.",
        body=cases.CaseToOpen,
        answers=cases.CaseShown,
        status=201,
    ),
    Route("GET", f"{_V1}/cases", cases.list_cases, A.READ_CASE, "List one's own open cases.", answers=cases.Cases),
    Route(
        "GET",
        f"{_V1}/cases/{{case}}",
        cases.read_case,
        A.READ_CASE,
        "Read a case and who was rung.",
        answers=cases.CaseShown,
    ),
    Route(
        "POST",
        f"{_V1}/cases/{{case}}/ring",
        cases.ring_case,
        A.RING_CASE,
        "Ring everybody on call; 409 `nobody_on_call` if there is nobody.",
        answers=cases.CaseShown,
    ),
    Route(
        "POST",
        f"{_V1}/cases/{{case}}/accept",
        cases.accept_case,
        A.ANSWER_CASE,
        "Accept a case that rings; 409 `already_accepted` if a colleague was faster.",
        answers=cases.CaseShown,
    ),
    Route(
        "POST",
        f"{_V1}/cases/{{case}}/decline",
        cases.decline_case,
        A.ANSWER_CASE,
        "Decline a case that rings.",
        answers=cases.CaseShown,
    ),
    Route(
        "POST",
        f"{_V1}/cases/{{case}}/close",
        cases.close_case,
        A.CLOSE_CASE,
        "Close a case.",
        answers=cases.CaseShown,
    ),
    Route(
        "PUT",
        f"{_V1}/on-call",
        cases.go_on_call,
        A.GO_ON_CALL,
        "Say whether ambulances may ring.",
        body=cases.OnCall,
        answers=cases.OnCallShown,
    ),
)

_OPERATIONS = (
    Route("GET", "/livez", probes.livez, Open.PUBLIC, "Whether the process lives.", content="application/json"),
    Route(
        "GET", "/readyz", probes.readyz, Open.PUBLIC, "Whether it can serve; 503 if not.", content="application/json"
    ),
    Route("GET", "/metrics", probes.metrics, Open.PUBLIC, "Figures for Prometheus.", content="text/plain"),
    Route("GET", "/openapi.json", openapi_document, Open.PUBLIC, "This description.", content="application/json"),
)


def _page(path: str, handler: Handler, access: Action | Open, summary: str) -> Route:
    return Route("GET", path, handler, access, summary, kind=Kind.PAGE, content="text/html")


_PAGES = (
    _page("/", pages.front, Open.PUBLIC, "The front page, or one's own place."),
    _page("/login", pages.login_page, Open.PUBLIC, "Sign in."),
    _page("/renew", pages.renew_page, Open.PUBLIC, "Renew the cookies and go on."),
    _page("/join", pages.join_page, Open.PUBLIC, "Open an invitation."),
    _page("/demo", pages.demo_page, Open.DEMO, "Open a link of the demonstration."),
    _page("/about", pages.about_page, Open.PUBLIC, "What this is and is not."),
    _page("/docs", docs_page, Open.PUBLIC, "The description of the API, for people."),
    _page("/home", pages.home_page, A.ASK_TO_BE_SEEN, "A patient's visits."),
    _page("/book", pages.book_page, A.BOOK_APPOINTMENT, "Book a visit."),
    _page("/worklist", pages.worklist_page, A.READ_WORKLIST, "A practitioner's work list."),
    _page("/ward", pages.ward_page, A.READ_WORKLIST, "Patients who are measured now."),
    _page("/availability", pages.availability_page, A.EDIT_AVAILABILITY, "A practitioner's weekly hours."),
    _page("/ambulance", pages.ambulance_page, A.OPEN_CASE, "A paramedic's cases."),
    _page("/admin", pages.admin_page, A.MANAGE_USERS, "Users, devices, audit trail."),
    _page("/rooms/{encounter}", pages.room_page, A.ENTER_ROOM, "Check, waiting room and consultation."),
)

_SOCKETS = (
    Route("GET", "/ws/room", room_socket, A.ENTER_ROOM, "Take part in a consultation.", kind=Kind.SOCKET),
    Route("GET", "/ws/vitals", vitals_socket, A.READ_VITALS, "Watch vitals.", kind=Kind.SOCKET),
    Route("GET", "/ws/device", device_socket, A.SEND_VITALS, "Send vitals.", kind=Kind.SOCKET),
    Route("GET", "/ws/worklist", worklist_socket, A.READ_WORKLIST, "Watch the work list.", kind=Kind.SOCKET),
)

ROUTES: tuple[Route, ...] = (
    *_AUTH,
    *_USERS,
    *_SCHEDULING,
    *_ENCOUNTERS,
    *_ALARMS,
    *_CASES,
    *DEVICE_ROUTES,
    *_OPERATIONS,
    *_PAGES,
    *_SOCKETS,
)


def add_routes(app: web.Application) -> None:
    """Put every row of the table into the router, each behind its checks."""
    for route in ROUTES:
        if route.method == "GET" and route.kind is not Kind.SOCKET:
            app.router.add_get(route.path, guarded(route), allow_head=True)
        else:
            app.router.add_route(route.method, route.path, guarded(route))
