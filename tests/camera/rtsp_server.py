"""A real RTSP camera: gst-rtsp-server, run with Debian's Python. Orders come line by line on stdin.

/usr/bin/python3 rtsp_server.py PORT MOUNTS FPS [USER PASSWORD]
    size W H | pattern NAME | quit
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
port, mounts, fps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
launch = (
    "( videotestsrc is-live=true name=source pattern=ball ! "
    f"capsfilter name=size caps=video/x-raw,format=I420,width=160,height=120,framerate={fps}/1 ! "
    f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max={max(1, fps // 3)} "
    "bitrate=400 threads=1 sliced-threads=false ! rtph264pay config-interval=-1 name=pay0 pt=96 )"
)
medias = []
wanted = {"size": None, "pattern": None}


def apply(media):
    element = media.get_element()
    if wanted["size"]:
        width, height = wanted["size"]
        caps = f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"
        element.get_by_name("size").set_property("caps", Gst.Caps.from_string(caps))
    if wanted["pattern"]:
        element.get_by_name("source").set_property("pattern", wanted["pattern"])


def configured(_factory, media):
    medias.append(media)
    media.connect("unprepared", lambda m: medias.remove(m) if m in medias else None)
    apply(media)


server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(launch)
factory.set_shared(False)  # clients that open one shared stream at once may all be refused
factory.connect("media-configure", configured)
if len(sys.argv) > 4:
    user, password = sys.argv[4:6]
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # digest
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", user)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(user, "media.factory.access", True)
    permissions.add_permission_for_role(user, "media.factory.construct", True)
    factory.set_permissions(permissions)
for number in range(mounts):
    server.get_mount_points().add_factory(f"/cam{number}", factory)
if server.attach(None) == 0:
    sys.exit("the port is taken")
print("ready", server.get_bound_port(), flush=True)


def orders():
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "quit":
            break
        if word == "size":
            wanted["size"] = (int(rest[0]), int(rest[1]))
        elif word == "pattern":
            wanted["pattern"] = rest[0]
        for media in list(medias):
            GLib.idle_add(apply, media)
    loop.quit()


loop = GLib.MainLoop()
threading.Thread(target=orders, daemon=True).start()
loop.run()
