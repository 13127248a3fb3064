SUMMARY = "Sees a billiard table through a camera and publishes its state"
DESCRIPTION = "Follows every ball and the cue on a billiard table, calibrates itself, and publishes the table's state over MQTT. \
Runs under systemd with a watchdog that every stage of the pipeline feeds."
SECTION = "multimedia"
LICENSE = "MIT | Apache-2.0"
LIC_FILES_CHKSUM = "\
    file://LICENSE-MIT;md5=72f79289604d807e4da960099a79a98d \
    file://LICENSE-APACHE;md5=1836efb2eb779966696f473ee8540542 \
"

# v4l's bindings are generated from the kernel's header.
DEPENDS = "clang-native"

# Made from Cargo.lock by scripts/crates; not committed.
require ${BPN}-crates.inc

# The layer lies beside what it builds.
# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext
FILESEXTRAPATHS:prepend := "${THISDIR}/../../..:"

# Tests and tools are members of the workspace, so cargo wants to see them; they are not built.
SRC_URI += "\
    file://Cargo.toml \
    file://Cargo.lock \
    file://LICENSE-APACHE \
    file://LICENSE-MIT \
    file://README.md \
    file://firmware-app \
    file://hal \
    file://models/nano \
    file://models/nano-fp16 \
    file://models/reader \
    file://tests \
    file://70-baize.rules \
    file://baize.service \
    file://baize.sysusers.conf \
    file://baize.tmpfiles.conf \
    file://baize.toml \
"

S = "${UNPACKDIR}"

inherit cargo systemd useradd

export LIBCLANG_PATH = "${STAGING_LIBDIR_NATIVE}"
export BINDGEN_EXTRA_CLANG_ARGS = "--sysroot=${STAGING_DIR_HOST}"

# Without the demo and its broker.
CARGO_BUILD_FLAGS:append = " --package baize --bin baize --no-default-features"

do_install:append() {
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize.service
    install -D -m 0644 ${S}/baize.sysusers.conf ${D}${nonarch_libdir}/sysusers.d/baize.conf
    install -D -m 0644 ${S}/baize.tmpfiles.conf ${D}${nonarch_libdir}/tmpfiles.d/baize.conf
    install -D -m 0644 -t ${D}${nonarch_base_libdir}/udev/rules.d ${S}/70-baize.rules
    install -D -m 0644 -t ${D}${sysconfdir}/baize ${S}/baize.toml
    install -D -m 0644 -t ${D}${docdir}/baize ${S}/README.md
    if [ -n "${BAIZE_CAPTURE_CORE}" ]; then
        ! grep -q '^\[realtime\]' ${S}/baize.toml || bbfatal "baize.toml has a section [realtime]; put capture_core there"
        printf '\n[realtime]\ncapture_core = %s\n' ${BAIZE_CAPTURE_CORE} >> ${D}${sysconfdir}/baize/baize.toml
    fi
}

SYSTEMD_SERVICE:${PN} = "baize.service"

# The root is read-only, so the user of baize.sysusers.conf has to be there from the start.
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system gpio; --system render"
USERADD_PARAM:${PN} = "\
    --system --user-group --groups video,render,gpio --comment Baize --home-dir /data/baize --no-create-home --shell /sbin/nologin baize \
"

FILES:${PN} += "\
    ${nonarch_base_libdir}/udev \
    ${nonarch_libdir}/sysusers.d \
    ${nonarch_libdir}/tmpfiles.d \
"

# Loaded at run time, not linked. Engines are built on the board by trtexec.
RDEPENDS:${PN} += "baize-first-boot"
# nooelint: oelint.vars.specific
RDEPENDS:${PN}:append:tegra = " tegra-libraries-cuda tensorrt-core tensorrt-trtexec"
RRECOMMENDS:${PN} += "kernel-module-uvcvideo"
