FILESEXTRAPATHS:prepend:appliance := "${THISDIR}/files:"

SRC_URI:append:appliance = " file://keys-only.conf"

do_install:append:appliance() {
    install -D -m 0644 -t ${D}${sysconfdir}/ssh/sshd_config.d ${UNPACKDIR}/keys-only.conf
}

FILES:${PN}-sshd:append:appliance = " ${sysconfdir}/ssh/sshd_config.d"
