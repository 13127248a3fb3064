DEPENDS:append:baize = " baize-devicetree"
