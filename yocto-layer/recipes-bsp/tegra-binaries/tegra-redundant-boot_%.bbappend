# It tells the bootloader at every boot that the slot is good. That is for baize-mark-good to decide.
SYSTEMD_AUTO_ENABLE:baize = "disable"
