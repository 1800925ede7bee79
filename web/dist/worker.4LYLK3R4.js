import{p as e}from"./shared.74A7VJDK.js";self.onconnect=n=>{let o=n.ports[0];o.onmessage=t=>e(o,t.data)};
