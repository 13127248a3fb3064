# baize-mark-good decides what is good.
RRECOMMENDS:${PN}:remove:baize-os = "rauc-mark-good"
