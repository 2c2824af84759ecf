package sample

// Breaks names what is wrong, as Check does.
var Breaks = broken
