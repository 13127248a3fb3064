SUMMARY = "The appliance's image for development"
DESCRIPTION = "As baize-image, and it takes SSH connections of root with the keys in the file BAIZE_DEV_KEYS. Still no password."

require baize-image.inc

IMAGE_FEATURES += "ssh-server-openssh"

IMAGE_INSTALL += "\
    baize-firewall-ssh \
    chronyc \
    gdbserver \
    i2c-tools \
    libgpiod-tools \
    mosquitto-clients \
    strace \
    v4l-utils \
"

# Public keys, one a line, as in an authorized_keys file.
BAIZE_DEV_KEYS ??= "${BAIZE_KEYS}/dev.pub"

install_dev_keys() {
    [ -s "${BAIZE_DEV_KEYS}" ] || bbfatal "BAIZE_DEV_KEYS names no file with public keys: '${BAIZE_DEV_KEYS}'"
    install -d -m 0700 ${IMAGE_ROOTFS}${ROOT_HOME}/.ssh
    install -m 0600 "${BAIZE_DEV_KEYS}" ${IMAGE_ROOTFS}${ROOT_HOME}/.ssh/authorized_keys
}
ROOTFS_POSTPROCESS_COMMAND += "install_dev_keys"
do_rootfs[file-checksums] += "${BAIZE_DEV_KEYS}:False"
