SUMMARY = "Makes a device's name, certificates and passwords at its first boot"
DESCRIPTION = "What no image may hold is made on the device: identity, the broker's certificate, and passwords, which a USB stick takes \
away once. Each step is made whole or not at all, so a pulled plug costs nothing."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

SRC_URI = "\
    file://70-baize-stick.rules \
    file://baize-first-boot.service \
    file://baize-stick.service \
    file://first-boot \
    file://run-stick.mount \
    file://setup-state \
    file://stick \
    file://table.toml \
"

S = "${UNPACKDIR}"

inherit systemd

do_install() {
    install -D -m 0755 -t ${D}${libexecdir}/baize ${S}/first-boot ${S}/setup-state ${S}/stick
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize-first-boot.service ${S}/baize-stick.service ${S}/run-stick.mount
    install -D -m 0644 -t ${D}${nonarch_base_libdir}/udev/rules.d ${S}/70-baize-stick.rules
    install -D -m 0644 -t ${D}${datadir}/baize ${S}/table.toml
}

# A stick that is plugged in starts the others.
SYSTEMD_SERVICE:${PN} = "baize-first-boot.service"

FILES:${PN} += "\
    ${datadir}/baize \
    ${nonarch_base_libdir}/udev \
    ${systemd_system_unitdir} \
"

# sync and mv of busybox do less.
RDEPENDS:${PN} = "baize coreutils diffutils findutils mosquitto openssl-bin rauc util-linux-setpriv"
