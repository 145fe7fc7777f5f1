"""Bounds of the media plane: whatever grows, and how far."""

DATAGRAMS_PER_WAKEUP = 64
"""Read from the socket before timers and sockets of the web get their turn."""
DATAGRAM_BYTES = 2048
SOCKET_BUFFER_BYTES = 4 << 20

PARTICIPANTS_PER_ROOM = 6
PUBLICATIONS_PER_PARTICIPANT = 3
SSRCS_PER_TRANSPORT = 12
"""Sources of RTP for which a peer can make us keep SRTP state."""
REPORTERS_PER_TRANSPORT = 32
"""Sources of RTCP likewise: some browsers report on each track that they receive under an SSRC of its own."""
SSRCS_PER_ROOM = 4096
"""Sources remembered for the life of a room, so that none is ever used by two transports."""
ADDRESSES_PER_TRANSPORT = 8
DTLS_QUEUE = 16

TRIALS = 32
"""Browsers that try their way to us at one moment, before they join."""
TRIAL_S = 10.0
"""How long one may take; the page gives up after five."""

TWIN_TRIES = 10
"""How often a free port is looked for that is free for UDP and TCP alike."""
TCP_CONNECTIONS = 512
TCP_PER_HOST = 64
"""A hospital may be one address."""
TCP_WAITING_BYTES = 64 * 1024
"""For one connection; what does not fit is skipped."""
TCP_FIRST_CHECK_S = 10.0
TCP_STALLED_S = 5.0

SDP_BYTES = 64 * 1024
SDP_LINES = 2048
MEDIA_LINES = 32
ANSWERS_PER_S = 5.0
ANSWERS_BURST = 10.0
OPENS_PER_S = 0.5
OPENS_BURST = 6.0

INBOUND_BYTES_PER_S = 1_500_000
"""What one participant may send: camera and screen at their best, and half as much again."""
RESENT_BYTES = 32 * 1024
"""Sent again to a viewer at once; in the long run no more than it is sent at all."""

LOSSY = 0.04
"""Share of loss from which an asked-for packet is sent twice: the second round would come too late."""
MANY_MISSING = 8
"""Packets asked for at once that are reason to look whether the link is full."""
MOST_OF_PICTURE = 8
"""Packets that a lost one may stand for: a lost keyframe makes no bad link."""
PLENTY_BPS = 10_000_000
"""What a publisher is told where nothing holds it down; a browser remembers the last limit for good."""
REDUCED_BPS = 250_000
"""What a publisher is held to by its only viewer on the rung of small pictures."""
UNSEEN_BPS = 20_000
"""What a publisher is held to whose own link is too weak for pictures, until its page has heard of it, too."""
SHARED_LEAST_BPS = 250_000
"""Below, a weak viewer does not hold the publisher down for the others: it goes to stills alone."""
CACHE_AT_FIRST = 256
"""Packets kept of a stream of which nothing is known yet."""
CACHED_S = 1.5
"""How far back a viewer can ask; a round trip of 300 ms and a few tries fit in."""
GIVE_UP_AUDIO_S = 0.6
GIVE_UP_VIDEO_S = 1.4
"""How long we ask a publisher for a packet; later no player would wait for it."""
MOST_TOLD_LOSS = 0.25
"""What a publisher of sound is told at most of the loss of its listeners."""

LAYER_IDLE_S = 10.0
"""How long a small size goes on to be sent that nobody needs: a link that got better may get worse again."""

TICK_S = 0.1
UNASKED_S = 0.05
"""How often upkeep looks for rooms whose turn has come by itself: with packets on the way it goes along with these."""
FEEDBACK_S = 0.1
"""Between two reports of arrivals to a publisher (transport-cc)."""
FEW_ARRIVALS = 8
FEEDBACK_OF_FEW_S = 0.4
"""The same where so few have come, of a voice alone: ten a second would take 6 kbit/s of a link that may have 40."""
AMPLE = 16
"""So many packets in that time are a megabit a second and more: the way is wide, and half as many reports will do."""
ROUND_TRIP_S = 1.0
"""Between two measurements of the round trip to a peer."""
ROUND_TRIP_AT_MOST_S = 3.0
"""The same where an answer takes long."""
ROUND_TRIP_AGAIN_S = 0.2
"""The same where the last one was suspiciously long."""
PROBES_OPEN = 8
"""Measurements of the round trip whose answer may still come."""
WEIGHED_BYTES = 640
"""By which the large questions are longer that tell how much fits: an eighth of a second of the narrowest link."""
WEIGH_S = 2.5
"""Between two of them."""
APART_S = 0.4
"""Between a small question and a large one, so that neither waits for the other."""
HEARD_S = 0.5
"""Who was heard of so lately has not gone, nor stopped: if it answers nothing, its link is full."""
ICE_DEADLINE_S = 30.0
DTLS_DEADLINE_S = 15.0
PROBE_S = 1.0
SUSPECT_S = 2.0
LOST_S = 5.0
FORGET_S = 60.0
"""A lost transport may return until then; its addresses and keys are dropped afterwards."""
REPORT_S = 1.0
REOFFER_S = 10.0
REOFFERS = 3
