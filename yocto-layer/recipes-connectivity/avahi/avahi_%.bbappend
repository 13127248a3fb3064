FILESEXTRAPATHS:prepend:baize := "${THISDIR}/files:"

SRC_URI:append:baize = " file://broker.xml"

do_install:append:baize() {
    install -m 0644 ${UNPACKDIR}/broker.xml ${D}${sysconfdir}/avahi/services/broker.service
}
