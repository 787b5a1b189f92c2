def test_x(launcher, spec, tmp_path):
    import time
    for i in range(3):
        t=time.time(); e = launcher("run", spec, cwd=tmp_path); print(time.time()-t)
    print(e.code, e.out, e.err)
    import subprocess
    print(subprocess.run(["find",str(tmp_path)],capture_output=True,text=True).stdout)
    assert 0
