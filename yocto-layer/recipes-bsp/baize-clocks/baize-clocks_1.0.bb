SUMMARY = "Holds the clocks at what the power mode allows"
DESCRIPTION = "A GPU that slows down between two pictures is late for both."
SECTION = "bsp"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext
FILESEXTRAPATHS:prepend := "${THISDIR}/../../../board/jetson-orin-nano-devkit:"

SRC_URI = "file://baize-clocks.service"

S = "${UNPACKDIR}"

inherit systemd

COMPATIBLE_MACHINE = "(tegra)"
PACKAGE_ARCH = "${MACHINE_ARCH}"

do_install() {
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize-clocks.service
}

SYSTEMD_SERVICE:${PN} = "baize-clocks.service"

RDEPENDS:${PN} = "tegra-nvpmodel tegra-tools-jetson-clocks"
