FILESEXTRAPATHS:prepend:baize := "${THISDIR}/files:"

SRC_URI:append:baize = " file://broker.service"

do_install:append:baize() {
    install -m 0644 ${UNPACKDIR}/broker.service ${D}${sysconfdir}/avahi/services/broker.service
}
