SUMMARY = "Lets in the broker, the name of the appliance, and nothing else"
DESCRIPTION = "Rules for nftables, loaded before the network is there. baize-firewall-ssh opens SSH, for development."
SECTION = "net"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THISDIR}/../../COPYING.MIT;md5=72f79289604d807e4da960099a79a98d"

SRC_URI = "\
    file://baize-firewall.service \
    file://firewall.nft \
    file://ssh.nft \
"

S = "${UNPACKDIR}"

inherit systemd

do_install() {
    install -D -m 0644 -t ${D}${sysconfdir}/baize ${S}/firewall.nft
    install -D -m 0644 -t ${D}${sysconfdir}/baize/firewall.d ${S}/ssh.nft
    install -D -m 0644 -t ${D}${systemd_system_unitdir} ${S}/baize-firewall.service
}

SYSTEMD_SERVICE:${PN} = "baize-firewall.service"

PACKAGES =+ "${PN}-ssh"
# nooelint: oelint.var.filesoverride
FILES:${PN}-ssh = "${sysconfdir}/baize/firewall.d/ssh.nft"

RDEPENDS:${PN} = "nftables"
RDEPENDS:${PN}-ssh = "baize-firewall"
