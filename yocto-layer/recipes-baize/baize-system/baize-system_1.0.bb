SUMMARY = "Watchdog, logs in memory, a small crash store, and the wired network"
DESCRIPTION = "Configuration of systemd and the kernel for a machine whose plug is pulled and that nobody looks at."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

SRC_URI = "\
    file://baize-kernel-crash.service \
    file://journald.conf \
    file://keep-crash \
    file://keep-crash.conf \
    file://sysctl.conf \
    file://watchdog.conf \
    file://wired.network \
"

S = "${UNPACKDIR}"

inherit systemd

do_install() {
    install -D -m 0644 ${S}/journald.conf ${D}${systemd_unitdir}/journald.conf.d/10-baize.conf
    install -D -m 0644 ${S}/watchdog.conf ${D}${systemd_unitdir}/system.conf.d/10-baize.conf
    install -D -m 0644 ${S}/wired.network ${D}${systemd_unitdir}/network/70-wired.network
    install -D -m 0644 ${S}/sysctl.conf ${D}${nonarch_libdir}/sysctl.d/60-baize.conf
    install -D -m 0755 -t ${D}${libexecdir}/baize ${S}/keep-crash
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize-kernel-crash.service
    for unit in baize mosquitto baize-mark-good baize-first-boot; do
        install -D -m 0644 -t ${D}${systemd_system_unitdir}/$unit.service.d ${S}/keep-crash.conf
    done
}

SYSTEMD_SERVICE:${PN} = "baize-kernel-crash.service"

FILES:${PN} += "\
    ${nonarch_libdir}/sysctl.d \
    ${systemd_system_unitdir}/*.service.d \
    ${systemd_unitdir}/*.conf.d \
    ${systemd_unitdir}/network \
"

# sync of busybox does less. /data is formatted and checked.
RDEPENDS:${PN} = "coreutils e2fsprogs-e2fsck e2fsprogs-mke2fs"
