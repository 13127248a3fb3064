FILESEXTRAPATHS:prepend:appliance := "${THISDIR}/files:"

# Instead of the file of the same name.
SRC_URI:append:appliance = " file://chrony.conf"

PACKAGECONFIG:append:appliance = " privdrop scfilter"
