# baize-mark-good decides what is good.
RRECOMMENDS:${PN}:remove:appliance = "rauc-mark-good"
