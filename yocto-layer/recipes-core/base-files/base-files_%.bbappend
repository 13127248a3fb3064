# What outlives an update: NVIDIA's partition for data, formatted when it is empty.
do_install:append:baize-os() {
    install -d ${D}/data
    printf '%s\n' '/dev/disk/by-partlabel/UDA /data ext4 noatime,nodev,noexec,nosuid,x-systemd.makefs 0 2' >> ${D}${sysconfdir}/fstab
}

FILES:${PN}:append:baize-os = " /data"
