FILESEXTRAPATHS:prepend:baize-os := "${THISDIR}/files:"

SRC_URI:append:baize-os = " file://broker.xml"

do_install:append:baize-os() {
    install -m 0644 ${UNPACKDIR}/broker.xml ${D}${sysconfdir}/avahi/services/broker.service
}
