"""Arithmetic on RTP and RTCP packets: pure, without sockets, clocks or encryption."""
