FILESEXTRAPATHS:prepend:appliance := "${THISDIR}/files:"

SRC_URI:append:appliance = " file://broker.xml"

do_install:append:appliance() {
    install -m 0644 ${UNPACKDIR}/broker.xml ${D}${sysconfdir}/avahi/services/broker.service
}
