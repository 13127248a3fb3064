FILESEXTRAPATHS:prepend:baize := "${THISDIR}/files:"

# Instead of the file of the same name.
SRC_URI:append:baize = " file://chrony.conf"

PACKAGECONFIG:append:baize = " privdrop scfilter"
