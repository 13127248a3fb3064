SUMMARY = "Makes a device's name, certificates and passwords at its first boot"
DESCRIPTION = "What no image may hold is made on the device: identity, the broker's certificate, and passwords that are handed \
out once. Each step is made whole or not at all, so a pulled plug costs nothing."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

SRC_URI = "\
    file://baize-first-boot.service \
    file://first-boot \
    file://table.toml \
"

S = "${UNPACKDIR}"

inherit allarch systemd

do_install() {
    install -D -m 0755 -t ${D}${libexecdir}/baize ${S}/first-boot
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize-first-boot.service
    install -D -m 0644 -t ${D}${datadir}/baize ${S}/table.toml
}

SYSTEMD_SERVICE:${PN} = "baize-first-boot.service"

FILES:${PN} += "${datadir}/baize"

# sync and mv of busybox do less.
RDEPENDS:${PN} = "baize coreutils findutils mosquitto openssl-bin"
