"""How to enter DNS servers on each device, with the names in the manufacturers' menus."""

from dataclasses import dataclass


def _(text: str) -> str:
    """Mark a text for translation; the page translates it when it shows it."""
    return text


@dataclass(frozen=True, slots=True)
class Guide:
    """The guide for one device or group of devices."""

    name: str
    title: str
    steps: tuple[str, ...]
    notes: tuple[str, ...] = ()


_FIRST = _("Enter the first address below as the primary DNS, and the second as the secondary DNS.")
_ONE_FIELD = _("Delete what is there and enter the first address below; add the second if you can.")
_RESTART = _("Restart the device, so that it forgets what it looked up before.")

GUIDES: tuple[Guide, ...] = (
    Guide(
        "apple-tv",
        "Apple TV",
        (
            _("Open Settings, then Network, then your Wi-Fi or Ethernet connection."),
            _("Choose Configure DNS, then Manual."),
            _ONE_FIELD,
            _RESTART,
        ),
    ),
    Guide(
        "playstation",
        "PlayStation 4 · 5",
        (
            _("Open Settings, then Network, then Settings, then Set Up Internet Connection."),
            _("Choose your connection, press Options, then Advanced Settings."),
            _("Set DNS Settings to Manual and leave everything else as it is."),
            _FIRST,
            _RESTART,
        ),
    ),
    Guide(
        "xbox",
        "Xbox One · Series",
        (
            _("Open Settings, then General, then Network settings, then Advanced settings."),
            _("Choose DNS settings, then Manual."),
            _FIRST,
            _RESTART,
        ),
        (_("This does not work for an Xbox 360: it does not tell the relay which site it wants."),),
    ),
    Guide(
        "switch",
        "Nintendo Switch",
        (
            _("Open System Settings, then Internet, then Internet Settings."),
            _("Choose your network, then Change Settings, then DNS Settings, then Manual."),
            _FIRST,
            _("Save, then choose Connect to This Network."),
        ),
    ),
    Guide(
        "samsung",
        "Samsung TV",
        (
            _("Open Settings, then General, then Network, then Network Status."),
            _("After the test choose IP Settings, then DNS Setting, then Enter manually."),
            _ONE_FIELD,
            _("Hold the power button of the remote until the TV restarts."),
        ),
    ),
    Guide(
        "lg",
        "LG TV",
        (
            _("Open All Settings, then Network, and choose your connection."),
            _("Choose Advanced Settings, then Edit, and untick Set Automatically."),
            _ONE_FIELD,
            _("Unplug the TV for a minute."),
        ),
    ),
    Guide(
        "fire-tv",
        "Fire TV",
        (
            _("Open Settings, then Network. Highlight your Wi-Fi, press Menu and forget it."),
            _("Choose it again, enter the password, then Advanced."),
            _("Keep the IP address, gateway and length that it proposes."),
            _FIRST,
            _RESTART,
        ),
        (_("Some apps always ask Google's servers: see “When a device ignores DNS”."),),
    ),
    Guide(
        "android-tv",
        "Android TV · Google TV",
        (
            _("Open Settings, then Network & Internet, and choose your network."),
            _("Choose IP settings, then Static; keep address, gateway and length as they are."),
            _FIRST,
            _("Under Private DNS choose Off; otherwise the device ignores what you enter here."),
            _RESTART,
        ),
    ),
    Guide(
        "chromecast-roku",
        "Chromecast · Roku",
        (
            _("These have no setting for DNS; they always ask Google's servers."),
            _("In your router, set the DNS servers of your home network to the addresses below."),
            _("In the router, block the addresses 8.8.8.8 and 8.8.4.4 for this device."),
            _("Unplug the device for a minute."),
        ),
        (_("Then we serve every device that uses the router."),),
    ),
    Guide(
        "iphone-ipad",
        "iPhone · iPad",
        (
            _("Open Settings, then Wi-Fi, and tap the i next to your network."),
            _("Choose Configure DNS, then Manual."),
            _("Remove the servers that are there and add both addresses below."),
            _("On the same page switch off Limit IP Address Tracking, which is Private Relay."),
        ),
    ),
    Guide(
        "fritzbox",
        "FRITZ!Box",
        (
            _("Open http://fritz.box, then Internet, then Account Information, then DNS Server."),
            _("Choose Use other DNSv4 servers."),
            _FIRST,
            _("For DNSv6 enter our IPv6 addresses if there are any below."),
            _("Apply, then restart the TV."),
        ),
        (
            _("It is simpler to enter DNS on the TV itself: the rest of your home stays as it is."),
            _("You do not need to change anything under DNS Rebind Protection."),
        ),
    ),
    Guide(
        "openwrt",
        "OpenWrt",
        (
            _("Open Network, then Interfaces, then edit wan, then Advanced Settings."),
            _("Untick Use DNS servers advertised by peer."),
            _("Enter both addresses below under Use custom DNS servers; do the same for wan6."),
            _("Save and apply, then restart the TV."),
        ),
    ),
)
