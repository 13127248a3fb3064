FILESEXTRAPATHS:prepend:baize := "${THISDIR}/files:"

SRC_URI:append:baize = " file://keys-only.conf"

do_install:append:baize() {
    install -D -m 0644 -t ${D}${sysconfdir}/ssh/sshd_config.d ${UNPACKDIR}/keys-only.conf
}

FILES:${PN}-sshd:append:baize = " ${sysconfdir}/ssh/sshd_config.d"
