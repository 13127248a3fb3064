FILESEXTRAPATHS:prepend:baize-os := "${THISDIR}/files:"

# Instead of the file of the same name.
SRC_URI:append:baize-os = " file://chrony.conf"

PACKAGECONFIG:append:baize-os = " privdrop scfilter"
