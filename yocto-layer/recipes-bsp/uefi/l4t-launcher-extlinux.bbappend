DEPENDS:append:baize-os = " baize-devicetree"
