FILESEXTRAPATHS:prepend:baize-os := "${THISDIR}/files:"

SRC_URI:append:baize-os = " file://keys-only.conf"

do_install:append:baize-os() {
    install -D -m 0644 -t ${D}${sysconfdir}/ssh/sshd_config.d ${UNPACKDIR}/keys-only.conf
}

FILES:${PN}-sshd:append:baize-os = " ${sysconfdir}/ssh/sshd_config.d"
