FILESEXTRAPATHS:prepend:baize-os := "${THISDIR}/files:"

SRC_URI:append:baize-os = " file://root-or-reboot"

do_install:append:baize-os() {
    cat ${UNPACKDIR}/root-or-reboot >> ${D}${sysconfdir}/platform-preboot
}
