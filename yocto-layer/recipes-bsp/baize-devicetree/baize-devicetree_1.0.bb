SUMMARY = "Button and LED on the 40-pin header"
DESCRIPTION = "The device-tree overlay of board/, which the bootloader applies from the slot that it starts."
SECTION = "bsp"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

DEPENDS = "dtc-native"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext
FILESEXTRAPATHS:prepend := "${THISDIR}/../../../board/jetson-orin-nano-devkit:"

SRC_URI = "file://baize-button-led.dts"

S = "${UNPACKDIR}"

inherit nopackages

COMPATIBLE_MACHINE = "(jetson-orin-nano-devkit)"
PACKAGE_ARCH = "${MACHINE_ARCH}"
INHIBIT_DEFAULT_DEPS = "1"

do_compile() {
    dtc -@ -I dts -O dtb -o ${B}/baize-button-led.dtbo ${S}/baize-button-led.dts
}

# Where l4t-launcher-extlinux looks for the overlays that it puts into the slot.
do_install() {
    install -D -m 0644 -t ${D}/boot/devicetree ${B}/baize-button-led.dtbo
}

SYSROOT_DIRS += "/boot/devicetree"
