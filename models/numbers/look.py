import sys, time, torch, cv2, numpy as np
torch.set_num_threads(1)
from skins import *; from lit import batch; from photographed import photographed
from faces import FACES
t=time.time(); s=Sets(int(sys.argv[1]),0); print("sets",time.time()-t)
g=torch.Generator().manual_seed(3)
t=time.time(); l,f,seen=batch(g,s,256); t1=time.time(); c,d=photographed(g,l); t2=time.time()
print("lit",t1-t,"photo",t2-t1, c.shape, d.min(), d.max(), seen.min())
im=(c.permute(0,2,3,1).numpy()*255).astype(np.uint8)
rows=[]
for r in range(12):
    row=[]
    for k in range(16):
        x=cv2.resize(im[r*16+k],(80,80),interpolation=cv2.INTER_NEAREST)[...,::-1].copy()
        cv2.putText(x,FACES[f[r*16+k]]+(" ?" if seen[r*16+k]<.4 else ""),(1,10),0,.35,(255,255,255),1)
        row.append(x)
    rows.append(np.concatenate(row,1))
cv2.imwrite('/tmp/look.png',np.concatenate(rows,0))
