SUMMARY = "How an appliance is updated, and when a slot is good"
DESCRIPTION = "RAUC's configuration and boot backend, which wraps NVIDIA's nvbootctrl, and the unit that marks the booted slot \
good only after a state of the table was published."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

# The certificate lies where the builder keeps keys.
# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext
FILESEXTRAPATHS:prepend := "${BAIZE_KEYS}:"

SRC_URI = "\
    file://baize-mark-good \
    file://baize-mark-good.service \
    file://baize-rauc.tmpfiles.conf \
    file://boot-slot \
    file://ordinary-start \
    file://ordinary-start.conf \
    file://system.conf \
    file://update-ca.pem \
"

S = "${UNPACKDIR}"

inherit systemd

COMPATIBLE_MACHINE = "(tegra)"
PACKAGE_ARCH = "${MACHINE_ARCH}"

do_install() {
    install -D -m 0755 -t ${D}${libexecdir}/baize ${S}/baize-mark-good ${S}/boot-slot ${S}/ordinary-start
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize-mark-good.service
    install -D -m 0644 -t ${D}${systemd_system_unitdir}/nv_update_verifier.service.d ${S}/ordinary-start.conf
    install -D -m 0644 ${S}/baize-rauc.tmpfiles.conf ${D}${nonarch_libdir}/tmpfiles.d/baize-rauc.conf
    install -D -m 0644 -t ${D}${sysconfdir}/rauc ${S}/system.conf
    sed -i 's/^compatible=.*/compatible=baize-${MACHINE}/' ${D}${sysconfdir}/rauc/system.conf
    install -m 0644 ${S}/update-ca.pem ${D}${sysconfdir}/rauc/keyring.pem
}

SYSTEMD_SERVICE:${PN} = "baize-mark-good.service"

FILES:${PN} += "\
    ${nonarch_libdir}/tmpfiles.d \
    ${systemd_system_unitdir}/nv_update_verifier.service.d \
"

RDEPENDS:${PN} = "baize coreutils e2fsprogs rauc tegra-redundant-boot-base"
RPROVIDES:${PN} = "virtual-rauc-conf"
