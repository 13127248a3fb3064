FILESEXTRAPATHS:prepend:baize-os := "${THISDIR}/files:"

SRC_URI:append:baize-os = " \
    file://acl \
    file://baize.conf \
    file://mosquitto.conf \
"

do_install:append:baize-os() {
    install -m 0644 ${UNPACKDIR}/mosquitto.conf ${D}${sysconfdir}/mosquitto/mosquitto.conf
    install -m 0644 ${UNPACKDIR}/acl ${D}${sysconfdir}/mosquitto/acl
    install -D -m 0644 -t ${D}${systemd_system_unitdir}/mosquitto.service.d ${UNPACKDIR}/baize.conf
}

FILES:${PN}:append:baize-os = " ${systemd_system_unitdir}/mosquitto.service.d"
RDEPENDS:${PN}:append:baize-os = " baize-first-boot"
