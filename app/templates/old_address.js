// Addresses of 2019 name the region after the "#", which no server sees. The ids of polling stations were others then.
(function(){var old=/^#(\/[a-z]{2,8}\/hitung-suara(?:\/-?[1-9][0-9]{0,14}){0,4})(?:\/|$)/.exec(location.hash);
if(old)location.replace(old[1])})()
