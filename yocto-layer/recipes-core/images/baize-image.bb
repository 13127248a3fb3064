SUMMARY = "The appliance's image"
DESCRIPTION = "Read-only root file system with the appliance, its broker, time, names, firewall and updates. Nobody can log in."

require baize-image.inc
