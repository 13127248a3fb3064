DEPENDS:append:appliance = " baize-devicetree"
