# baize-mark-good decides what is good.
RRECOMMENDS:${PN}:remove:baize = "rauc-mark-good"
