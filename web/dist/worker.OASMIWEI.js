import{p as e}from"./shared.O5MQWVM4.js";self.onconnect=n=>{let o=n.ports[0];o.onmessage=t=>e(o,t.data)};
