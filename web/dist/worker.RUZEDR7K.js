import{p as e}from"./shared.6SMHREMM.js";var s=e();self.onconnect=n=>{let o=n.ports[0];o.onmessage=t=>s(o,t.data)};
