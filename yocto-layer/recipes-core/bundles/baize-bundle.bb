# nooelint: oelint.file.underscores,oelint.var.mandatoryvar.SRC_URI
SUMMARY = "Update of an appliance"
DESCRIPTION = "A signed RAUC bundle with the root file system, kernel, device tree and overlay. It leaves the firmware in the flash \
memory alone."
LICENSE = "MIT"

inherit bundle

PV = "${DISTRO_VERSION}"

RAUC_BUNDLE_COMPATIBLE = "baize-${MACHINE}"
RAUC_BUNDLE_FORMAT = "verity"
RAUC_BUNDLE_SLOTS = "rootfs"
# nooelint: oelint.vars.mispell.unknown
RAUC_SLOT_rootfs = "baize-image"
# nooelint: oelint.vars.mispell.unknown
RAUC_SLOT_rootfs[fstype] = "ext4"
