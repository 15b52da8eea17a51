"""What the patterns protect, by names that facilities publish, and what they leave alone."""

import os

import pytest

from beamgym.hardware_bridge.protected_names import VARIABLE, files, read_protected_names

PROTECTED = {
    "personnel protection": """
        S29ID-PSS:SCS:OpenEPICSC
        32ID:PSS:FES
        XF:11BM-PPS{Sh:FE}Cmd:Opn-Cmd
        XF:18IDA-OP{PSh}Cmd:Opn-Cmd
        PA:02BM:STA_A_FES_OPEN_PL.VAL
        2bma:A_shutter:open.VAL
        9ida:rShtrA:Open
        14IDA:shutter_in1.VAL
        FE07I-PS-SHTR-02:CON
        BL24I-PS-SHTR-01:CON
        id42/bsh/1
        tango://host:10000/id42/bsh/1
        i10-c-c03/vi/obx.1
        SSH1411-I00-01
        X10SA-EH1-PSYS:SH-A-OPEN
        b311a-o/pss/bs-01
        X10SA-PEPS:OPEN
        X12SA-EH1-PEPS1:SH
        BL12:PEPS.VAL
        bl13:peps:shutter
        XF:11BM-PEPS{Sh:1}Cmd:Opn-Cmd
        S29ID-BLPSS:Open
        ACIS:S12:Enable
        BCS:IN20:1:ENABLE
        X12SA-OP-PS1:OPEN
        X06SA-FE-PH1:OPEN
        p09/ilk/1
        haspp09:10000/p09/beamshutter/1
        BL:ESTOP
        BL7:E_Stop:Reset
        BL:INTLK:reset
        BL:BeamPermit:Set
        BL:radiation_monitor:1""",
    "a beam shutter": """
        bl_20xu_mbs
        bl_20xu_dss1
        PF:BBS:Open
        bl12:RSS:Enable""",
    "a front end": """
        FE:C23A-OP{Slt:12-Ax:X}center
        //orion:10000/fe/master/id42
        X10SA-FE-SV1:OPEN
        FEE1:441:GAS:SET
        B311A-FE-VAC-HA-01
        tdl-i10-c/vi/tdl.1
        FE07I-RS-ABSB-01:CON""",
    "an insertion device": """
        ID32ds:Gap.VAL
        ID08:Gap
        ID01us:Start
        S29ID:USID:GapSetC
        SR07I-MO-SERVC-01:BLGAPMVAL
        SR:C11-ID:G1{IVU20:1}
        XF:23ID-ID{EPU:1-Ax:Gap}Pos-SP
        U41IT3R:BaseParGapsel.B
        SR12U___GDS1PS_AC00
        cmm:ID12_bl_input
        //acs:10000/id/master/id23
        X10SA-ID-GAP:SET
        SR03ID01GAP_REQUEST
        p09/undulator/1
        USEG:UNDH:1350:KDes
        SA1_XTD2_UND/DOOCS/ENERGY
        SARUN03-UIND030:K_SET
        r3-308l/id/epu-01""",
    "a vacuum valve or pump": """
        BL07I-VA-VALVE-01:CON
        BL07I-VA-FVALV-01:CON
        29id:BLEPS:GV10:OPEN
        XF:03IDA-VA{Slt:1-GV:1}Cmd:Opn-Cmd
        XPP:SB2:VGC:01:OPN_SW
        id42/v-rv/0
        B311A-O01-VAC-VGMB-01
        i10-c-cx1/vi/vs.1
        VVR1607-3-I00-01
        b311a-o01/vac/vgmb-01
        BL:TurboPump:Start
        BL:GateValve3""",
    "equipment protection": """
        SR:C06-EPS{PLC:1}  XF:06BM-EPS{PLC:1}  FEEPS29:Reset  bl13/ct/eps-plc-01  PMPS:KFE:1  X10SA-OP:OPEN_EPS""",
    "the accelerator": "sr/d-ct/1  BTS:HCM1:AC  SR-DI-DCCT-01:SIGNAL  srmag/ps/1  //acs:10000/srdiag/bpm/1",
    "a beam stop": "BL:Beamstop:X  STPR:XRT1:1",
}

OPEN = """
    32idcTXM:mxv:c1:m1  XF:11BMB-ES{Chm:Smpl-Ax:X}Mtr  XF:23ID1-ES{Dif-Ax:Del}Mtr  XF:LAUE{Gon:1-Ax:Rot}Mtr
    XF:LAUE{Sh:1}Open  XF:11BM-ES{Shutter:Fast}Cmd  BL07I-MO-DIFF-01:MU  BL07I-EA-FSHTR-01:CTRL
    X10SA-ES-DF1:CBOX-USER  IOC:m1  29idKappa:m3  29idb:Slit1V:size  9idcLAX:m58:c0:m1  SAXS:Slit1V:gap  28idb:m5
    id11/diffractometer/rot  tango://lid11:20000/id11/motor/phi  haspp07eh2:10000/p07/motor/eh2.12
    i10-c-cx1/ex/diff-mt_tx.1  PINK:PHY:AxisA  bgym:j1  bgym:shutter:Open  bgym:  bgym:cam1:  BL14:FastShutter:Open
    2bma:m24  ARPES:x  ID15:m1  XPP:GON:MMS:01  29idc:m1  4idb:m12  7bmb1:m34  8idiSoft:stage  13BMD:m93  15IDD:m21
    S33:hexapod:x  6bmpreci:m3  XF:28IDC-ES:1{Dif:1-Ax:Phi}Mtr  XF:05IDD-ES:1{Stg:Smpl1-Ax:theta}Mtr
    XF:17BM-ES:1{Smpl:1-Ax:Z}Mtr  XF:08IDB-OP{FS:1}Cmd  XF:21ID1-ES{6-axis:1-Ax:R1}Mtr  XF:12ID2:XPS:2-Ax:X
    XF:05IDA-OP:1{Mono:HDCM-Ax:Pico}Mtr  BL24I-MO-VGON-01:X  BL22I-MO-GPM-01:Z  BL18I-MO-TABLE-01:Y
    BL05I-EA-MANIP-01:SAPOLAR  BL05I-EA-DET-01:CAM:  X12SA-ES1-SAMX  X06SA-ES-MD3:PHI  X11MA-PHI  X05LA-ES1-HEX:X
    X10DA-ES-MANIP1:TILT  SARES20-MF1:MOT_3  X06DA-ES:FSHUTTER  id11/mot/samtx  id01/eiger2m/cam  bl13/ct/sample-phi
    i21-m-c07/ex/tpp-mt_tx.1  b303a-ea01/dia/sam-x  p07/motor/eh1.01  haspp06:10000/p06/hexapod/1.x
    b316a-oa01-ex/goniometer/phi  sys/tg_test/1  bl02b1/motor/omega  bl_20xu_pm_3  bl_01b1_tc1_gonio_theta
    MFX:GON:MMS:03  XCS:LAM:MMS:09  TMO:LMP:MMN:01  HXR:CAM:01:  ESB:GP01:  SXR:EXP:MMS:01  CXI:SC1:MMS:05
    beamline12.3.2:motor:theta  bl403:sample_x  BL10:manipulator:polar  BL7:cryostat:azimuth  bl1012:azimuth
    SRX:stage:x  lab:gonio:phi  lab:kappa  lab:steps:m1  lab:apps:motor1  MTEST:m1  tips:m1  deeps:z  topstage:theta
    spps2:m1  lessons:m3  sample:tilt  stage:coarse_x  stage:fine_x  hexapod:u  arc:upper  arc:lower  manip:polar
    ARPES:DA30:cam1:  LAUE:cam1:  EIGER:cam1:  lab:FastShutter:Open  lab:shutter1  UNI:Uniblitz:Open  BL:Sh1:cmd
    lab:xray_shutter:Open  fshutter:Open  XIA:shutter:cmd  restop:m1  pulseStop:x  fundamental:m1  groundstage:x
    femto:x  feed:m1  grid:x  hidden:y  pedestal:z  mbsource:x  13SIM1:  TCPIP::192.168.0.10::5025::SOCKET
    SMTR1607-4-I21-01:mm  coffee:m1  feedback:piezo
"""


@pytest.fixture(autouse=True)
def _no_facility(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(files, "FOLDERS", ())


@pytest.mark.parametrize(("what", "name"), [(what, name) for what, text in PROTECTED.items() for name in text.split()])
def test_published_names_of_what_is_protected_are_found(what, name):
    found = read_protected_names().find(name)
    assert found is not None
    assert found.what == what


def test_motors_cameras_and_fast_shutters_are_left_alone():
    protected = read_protected_names()
    assert len(OPEN.split()) > 120
    assert {name: str(protected.find(name)) for name in OPEN.split() if protected.find(name)} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Front end shutter",
        "Undulator gap",
        "ID gap",
        "VCT gate valve",
        "PSS beam enable",
        "PEPS ok",
        "main beam shutter",
        "ion pump",
    ],
)
def test_a_description_tells_what_a_name_hides(text):
    assert read_protected_names().find_in_description(text, "BL:m1") is not None


@pytest.mark.parametrize("text", ["sample phi", "slit gap", "fast shutter", "hidden", ""])
def test_a_description_of_a_motor_is_left_alone(text):
    assert read_protected_names().find_in_description(text, "BL:m1") is None


FACILITY = r"""
protected:
  - {what: the cryostat's pump, names: ['^AB12:PUMP'], descriptions: ['cryo ?pump']}
allowed:
  - {name: 'AB12:FE:sample', why: a sample stage; FE is the foil exchanger}
  - {name: 'AB12:PSS:m1', why: somebody tried}
"""


@pytest.mark.parametrize("where", ["file", "variable", "folder of the variable", "folder"])
def test_a_facility_adds_patterns_and_excepts_single_names(tmp_path, monkeypatch, where):
    path = tmp_path / "ours.yaml"
    path.write_text(FACILITY)
    if where == "folder":
        monkeypatch.setattr(files, "FOLDERS", (tmp_path,))
    elif where != "file":
        monkeypatch.setenv(VARIABLE, str(path if where == "variable" else tmp_path))
    protected = read_protected_names([path] if where == "file" else [])
    assert str(protected.find("AB12:PUMP:1")) == "the cryostat's pump (pattern '^AB12:PUMP' of ours.yaml)"
    assert protected.find("AB12:FE:sample") is None
    assert protected.find("AB12:FE:sample.VAL") is None
    assert protected.find("AB12:FE:other") is not None
    # What keeps people safe has no exception.
    assert protected.find("AB12:PSS:m1") is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("protected: [{what: all, names: ['.*']}]", "fits every name"),
        ("protected: [{what: broken, names: ['(']}]", "no regular expression"),
        ("protected: [{what: '', names: ['x']}]", "protected.0.what"),
        ("forbidden: []", "forbidden"),
        ("allowed: [{name: 'A:FE:m1'}]", "allowed.0.why"),
        ("- a list", "protected names in"),
        ("protected: [", "protected names in"),
    ],
)
def test_a_broken_file_is_refused_in_one_line_and_not_passed_over(tmp_path, text, said):
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"ours\.yaml") as caught:
        read_protected_names([path])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.yaml"))
    with pytest.raises(ValueError, match=r"cannot read the protected names in .*gone\.yaml"):
        read_protected_names()


def test_a_file_that_was_changed_is_read_anew(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("protected: []")
    assert read_protected_names([path]).find("AB:PUMP") is None
    path.write_text("protected: [{what: a pump, names: ['PUMP']}]")
    os.utime(path, ns=(1, 1))
    assert read_protected_names([path]).find("AB:PUMP") is not None
